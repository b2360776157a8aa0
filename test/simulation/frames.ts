/** Just enough of AMQP's frames to see what kind they are. */

const bodyAt = 8
const dispositionCode = 0x15
const endCode = 0x17
const stateCodes = { accepted: 0x24, released: 0x26, modified: 0x27 } as const

function isPerformative(bytes: Buffer, code: number): boolean {
  return bytes.length > bodyAt + 3 && bytes[bodyAt] === 0 && bytes[bodyAt + 1] === 0x53 && bytes[bodyAt + 2] === code
}

export const isDisposition = (bytes: Buffer): boolean => isPerformative(bytes, dispositionCode)
export const isEnd = (bytes: Buffer): boolean => isPerformative(bytes, endCode)

const acceptedState = Buffer.from([0x00, 0x53, stateCodes.accepted])

export function isAcceptance(bytes: Buffer): boolean {
  return isDisposition(bytes) && bytes.indexOf(acceptedState, bodyAt + 3) >= 0
}

/** A disposition that accepts, saying something else. */
export function acceptedAs(bytes: Buffer, outcome: 'released' | 'modified'): Buffer {
  const changed = Buffer.from(bytes)
  changed[changed.indexOf(acceptedState, bodyAt + 3) + 2] = stateCodes[outcome]
  return changed
}
