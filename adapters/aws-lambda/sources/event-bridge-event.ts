import type { EventBridgeEvent } from 'aws-lambda'
import { hasStrings, isObject } from './shape.js'

/** The fields that EventBridge puts into every event, scheduled, from AWS or custom. */
export function isEventBridgeEvent(value: unknown): value is EventBridgeEvent<string, unknown> {
  return (
    hasStrings(value, 'id', 'version', 'account', 'time', 'region', 'source', 'detail-type') &&
    Array.isArray(value.resources) &&
    isObject(value.detail)
  )
}
