export type {
  AmqpAnnotatedMessage,
  AmqpMessageHeader,
  AmqpMessageProperties,
  AmqpPrimitive,
  EventData,
  EventInput,
} from '../../core/event-data.js'
export type { FlushFailure, FlushReport } from '../../core/report.js'
export { type Destination, EventsNotAcceptedError } from '../flush-on-freeze.js'
export { withEventHubOutputs } from './app.js'
export { type HttpDoor, type HttpDoorContext, httpTriggerHandler } from './http-trigger.js'
export type { InvocationHub } from './hub.js'
export { type EventHubOutput, type EventHubOutputOptions, eventHubClient, eventHubOutput } from './output.js'
export { type EventRouting, eventData, type OutputEvent } from './values.js'
export { type EventHubBindings, type FunctionHandler, type WrappedHandler, withEventHub } from './with-event-hub.js'
