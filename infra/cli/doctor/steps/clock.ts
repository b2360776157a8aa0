import { isIP } from 'node:net'
import { authorityOf, type SocketTarget } from '../../../../core/amqp/socket.js'
import { openHttp } from '../http.js'
import { type Finding, notUsed, ok, type Step, warning } from '../step.js'
import { messageOf, spanOf, timeOf } from '../text.js'
import type { Visit } from '../visit.js'

/** Tokens live for minutes or hours; a difference below this does no harm. */
export const harmfulSkewInMs = 60_000
const httpsPort = 443

/** This machine's clock beside the service's, which each answer over HTTP tells. */
export const clock: Step = {
  id: 'clock',
  needs: ['tls'],
  limitInMs: 3000,
  async run(visit, { signal }) {
    const target = timekeeper(visit)
    if (target === 'this machine') return notUsed('The hub is on this machine, by the same clock')
    if (target === undefined) return unknown('the hub tells its time over HTTP alone, and its HTTP port is not known')
    try {
      const way = await openHttp(visit.context, target, signal)
      try {
        const before = visit.seams.clock.wallNow()
        const { date } = await way.ask({ method: 'HEAD', path: '/' })
        const after = visit.seams.clock.wallNow()
        return date === undefined ? unknown('the answer has no date') : compare(visit, date, (before + after) / 2)
      } finally {
        way.close()
      }
    } catch (error) {
      signal.throwIfAborted()
      return unknown(messageOf(error))
    }
  },
  timedOut: () => unknown('no answer over HTTPS in time'),
}

function timekeeper({ place, target, options }: Visit): SocketTarget | 'this machine' | undefined {
  if (place.transportType !== 'amqp') return target
  const { hostname } = target
  const port = options.httpsPort ?? (place.development ? undefined : httpsPort)
  if (port !== undefined) {
    const authority = authorityOf(hostname, port)
    return { hostname, port, isTls: !place.development, authority, label: authority }
  }
  const isLoopback =
    hostname === 'localhost' || hostname === '::1' || (isIP(hostname) === 4 && hostname.startsWith('127.'))
  return isLoopback ? 'this machine' : undefined
}

function compare(visit: Visit, date: number, now: number): Finding {
  // The header cuts off parts of the second.
  const skewInMs = Math.round(now - (date + 500))
  visit.skewInMs = skewInMs
  const details = { skewInMs, serviceTime: timeOf(date), localTime: timeOf(now) }
  if (Math.abs(skewInMs) <= 1500) return ok("This machine's clock agrees with the service's", details)
  const summary = `This machine's clock is ${spanOf(skewInMs)} ${skewInMs > 0 ? 'ahead of' : 'behind'} the service's`
  if (Math.abs(skewInMs) < harmfulSkewInMs) return ok(`${summary}, which does no harm`, details)
  return warning('clock-skewed', summary, [setTheClock], details)
}

export const setTheClock =
  'Set this machine’s clock, and have it kept right (NTP: `timedatectl set-ntp true`; on Windows `w32tm /resync`). A container has its host’s clock.'

function unknown(why: string): Finding {
  return { status: 'skipped', code: 'clock-unknown', summary: `Could not be compared: ${why}` }
}
