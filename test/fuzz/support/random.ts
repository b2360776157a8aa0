import { seed } from '../../support/seed.js'

/** How many inputs each target gets; .ci/run makes ten times as many. */
export const inputCount = Number(process.env.FUZZ_INPUTS ?? 2000)

/** Numbers that follow from the seed alone (mulberry32); quick enough to make a hundred thousand inputs. */
export class Random {
  #state: number

  constructor(start = seed) {
    this.#state = start >>> 0
  }

  /** A whole number from 0 up to `below`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}

/** Bytes that parsers stumble over: limits of lengths, of numbers, and AMQP's and JSON's own marks. */
const telling = [
  0, 1, 4, 5, 8, 0x22, 0x40, 0x45, 0x53, 0x5b, 0x7b, 0x7f, 0x80, 0xa0, 0xa1, 0xc0, 0xd0, 0xd1, 0xf0, 0xff,
]

/** The bytes with a few things wrong; `others` lend what is spliced in. */
export function mutated(random: Random, bytes: Buffer, others: readonly Buffer[]): Buffer {
  let result: Buffer = Buffer.from(bytes)
  for (let left = 1 + random.below(4); left > 0; left--) result = mutatedOnce(random, result, others)
  return result
}

function mutatedOnce(random: Random, bytes: Buffer, others: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1)
  const to = Math.min(bytes.length, at + random.below(16))
  switch (random.below(7)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
      return bytes
    case 1:
      if (at < bytes.length) bytes[at] = random.pick(telling)
      return bytes
    case 2:
      if (at + 4 <= bytes.length) bytes.writeUInt32BE(random.pick([0, 1, 255, 65_536, 0x7fffffff, 0xffffffff]), at)
      return bytes
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)])
    case 4:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)])
    case 5:
      return bytes.subarray(0, at)
    default: {
      const other = random.pick(others)
      const from = random.below(other.length + 1)
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + random.below(64)), bytes.subarray(to)])
    }
  }
}
