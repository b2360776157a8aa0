import { decodeUtf8 } from '../body.js'
import { jsonResponse, ProblemError } from '../problem.js'
import { readJson } from '../read-json.js'
import type { WebhookProtocol } from './protocol.js'

const typeHeader = 'aeg-event-type'

/**
 * Azure Event Grid in its own schema: answers the validation of a subscription, and gives each event its `id`. The
 * `validationUrl` is never called.
 *
 * @see https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation-event-grid-events-schema
 */
export function eventGridWebhook(): WebhookProtocol {
  return {
    async stage(context, next) {
      if (context.request.headers.get(typeHeader) !== 'SubscriptionValidation') return next()
      const code = validationCodeOf(decodeUtf8(await context.readBody()) ?? '')
      if (code !== undefined) return jsonResponse(200, { validationResponse: code })
      throw new ProblemError(
        'malformed-body',
        'This is no SubscriptionValidationEvent: data.validationCode is missing.',
      )
    },
    readerFor({ headers }) {
      return headers.has(typeHeader) ? readEventGrid : undefined
    },
  }
}

const readEventGrid: typeof readJson = async function* (input) {
  for await (const item of readJson(input)) {
    const id = 'incoming' in item && item.incoming.kind === 'json' ? idOf(item.incoming.value) : undefined
    yield id === undefined || 'invalid' in item ? item : { ...item, id, event: { ...item.event, messageId: id } }
  }
}

function idOf(value: unknown): string | undefined {
  const id = (value as { id?: unknown } | null)?.id
  return typeof id === 'string' && id !== '' ? id : undefined
}

function validationCodeOf(text: string): string | undefined {
  try {
    const code: unknown = JSON.parse(text)?.[0]?.data?.validationCode
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}
