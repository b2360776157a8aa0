import { wireTo } from '../amqp/place.js'
import { RawConnection } from '../amqp/raw-connection.js'
import type { Visit } from './visit.js'

/** The AMQP connection that the steps share; opened by the first that needs it. */
export function openConnection(visit: Visit): RawConnection {
  visit.connection ??= new RawConnection(visit.context, wireTo(visit.place, visit.context))
  return visit.connection
}
