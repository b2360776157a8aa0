import { isNamedKey, isTokenCredential } from '../../../core/auth/credential.js'
import type { Place } from '../amqp/place.js'
import type { Finding } from './step.js'

const mark = '[secret]'
/** A shorter one could not be told from other text. */
const shortestSecret = 4

/**
 * The second line of defence. No step shows a secret; but a peer's words are shown, and a peer may say anything, even
 * what it was told.
 */
export class Secrets {
  readonly #secrets = new Set<string>()

  constructor({ credential, httpProxy }: Place) {
    if (isNamedKey(credential)) this.add(credential.key)
    else if (!isTokenCredential(credential)) this.addSignature(credential.signature)
    this.add(httpProxy?.password)
  }

  add(secret: string | undefined): void {
    if (secret === undefined || secret.length < shortestSecret) return
    const encoded = encodeURIComponent(secret)
    for (const form of [secret, encoded, encoded.replace(/%[\dA-F]{2}/g, (digits) => digits.toLowerCase())]) {
      this.#secrets.add(form)
    }
  }

  /** A signature may be told from the rest of its token, so it is a secret by itself. */
  addSignature(token: string): void {
    this.add(token)
    const signature = /(?:^|[&\s])sig=([^&\s]+)/.exec(token)?.[1]
    this.add(signature)
    try {
      this.add(decodeURIComponent(signature ?? ''))
    } catch {
      // Not encoded: it has been added as it is.
    }
  }

  hide(text: string): string {
    let hidden = text
    // Longest first: a secret may be a part of another.
    for (const secret of [...this.#secrets].sort((a, b) => b.length - a.length))
      hidden = hidden.replaceAll(secret, mark)
    return hidden
  }

  hideIn({ summary, advice = [], details = {}, ...rest }: Finding) {
    const hide = (value: unknown) => (typeof value === 'string' ? this.hide(value) : value)
    const hidden = Object.entries(details).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(hide) : hide(value),
    ])
    return {
      ...rest,
      summary: this.hide(summary),
      advice: advice.map((line) => this.hide(line)),
      details: Object.fromEntries(hidden) as NonNullable<Finding['details']>,
    }
  }
}
