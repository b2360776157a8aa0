import { refuseUnknownOptions, whole } from '../../../core/options.js'
import type { WebhookProtocol } from './protocol.js'

/** Options of `cloudEventsWebhook`. */
export interface CloudEventsWebhookOptions {
  /** Senders that may deliver, as they name themselves, such as `eventgrid.azure.net`; `'*'`: any. */
  readonly origins: '*' | readonly string[]
  /** How many requests a minute they may send. Default: no limit. */
  readonly requestsPerMinute?: number | undefined
}

/**
 * Consents to senders of CloudEvents that ask first: `OPTIONS` with `WebHook-Request-Origin`. The URL in
 * `WebHook-Request-Callback` is never called. Throws `TypeError` or `RangeError` for options that cannot work.
 *
 * @see https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md
 */
export function cloudEventsWebhook(options: CloudEventsWebhookOptions): WebhookProtocol {
  refuseUnknownOptions('cloudEventsWebhook options', options, new Set(['origins', 'requestsPerMinute']))
  const { origins, requestsPerMinute } = options
  if (
    origins !== '*' &&
    !(Array.isArray(origins) && origins.every((origin) => typeof origin === 'string' && origin !== ''))
  ) {
    throw new TypeError("cloudEventsWebhook.origins must be '*', or a list of names such as 'eventgrid.azure.net'.")
  }
  const rate =
    requestsPerMinute === undefined
      ? '*'
      : String(whole('cloudEventsWebhook.requestsPerMinute', requestsPerMinute, 1, 1))
  return {
    handshake({ headers }, allow) {
      const origin = headers.get('webhook-request-origin')
      if (!origin || (origins !== '*' && !origins.includes(origin))) return undefined
      return new Response(null, {
        headers: { allow, 'webhook-allowed-origin': origin, 'webhook-allowed-rate': rate },
      })
    },
  }
}
