import crypto from 'node:crypto'
import type { Random } from './random.js'
import type { World } from './world.js'

/** A handle as `setTimeout` returns it. */
class Handle {
  readonly cancel: () => void

  constructor(cancel: () => void) {
    this.cancel = cancel
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return true
  }
}

/**
 * Puts the process's own time and chance under the world's: rhea, rhea-promise and the local hub's AMQP use the
 * globals, and what they start belongs to whoever is at work. Returns what puts the real ones back.
 */
export function installGlobals(world: World, random: Random): () => void {
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis
  const { now: dateNow } = Date
  const { random: mathRandom } = Math
  const { randomInt } = crypto
  const { now: performanceNow } = performance

  const start = (delayInMs: number, run: () => void): (() => void) => {
    const delay = Math.max(1, Number(delayInMs) || 1)
    return world.actor === 'client' ? world.startClientTimer(delay, run) : world.schedule('service', delay, run)
  }
  const cancel = (handle: unknown) => {
    if (handle instanceof Handle) handle.cancel()
  }
  Object.assign(globalThis, {
    setTimeout: (run: (...args: unknown[]) => void, delayInMs: number, ...args: unknown[]) =>
      new Handle(start(delayInMs, () => run(...args))),
    setInterval: (run: () => void, delayInMs: number) => {
      let stop = () => {}
      const again = () => {
        stop = start(delayInMs, () => {
          again()
          run()
        })
      }
      again()
      return new Handle(() => stop())
    },
    clearTimeout: cancel,
    clearInterval: cancel,
  })
  Date.now = () => (world.actor === 'client' ? world.clientWall : world.serviceWall)
  Math.random = () => random.next()
  crypto.randomInt = ((from: number, to: number) => from + Math.floor(random.next() * (to - from))) as never
  performance.now = () => (world.actor === 'client' ? world.clientMonotonic : world.now)

  return () => {
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval })
    Date.now = dateNow
    Math.random = mathRandom
    crypto.randomInt = randomInt
    performance.now = performanceNow
  }
}
