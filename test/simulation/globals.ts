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

const real = {
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  dateNow: Date.now,
  random: Math.random,
  randomInt: crypto.randomInt,
  performanceNow: performance.now.bind(performance),
}

/** Whose time and chance it is; undefined between runs. */
let scene: { readonly world: World; readonly random: Random } | undefined
let isInstalled = false

/**
 * Puts the process's own time and chance under the world's: rhea, rhea-promise and the local hub's AMQP use the
 * globals, and what they start belongs to whoever is at work. Returns what ends it.
 */
export function installGlobals(world: World, random: Random): () => void {
  // Once for all runs: the engine throws away code that it compiled for other globals.
  if (!isInstalled) install()
  isInstalled = true
  scene = { world, random }
  return () => {
    scene = undefined
  }
}

function install(): void {
  Object.assign(globalThis, {
    setTimeout: (run: (...args: unknown[]) => void, delayInMs: number, ...args: unknown[]) =>
      scene ? new Handle(start(scene.world, delayInMs, () => run(...args))) : real.setTimeout(run, delayInMs, ...args),
    setInterval: (run: () => void, delayInMs: number) =>
      scene ? repeat(scene.world, delayInMs, run) : real.setInterval(run, delayInMs),
    clearTimeout: (handle: NodeJS.Timeout) => (handle instanceof Handle ? handle.cancel() : real.clearTimeout(handle)),
    clearInterval: (handle: NodeJS.Timeout) =>
      handle instanceof Handle ? handle.cancel() : real.clearInterval(handle),
  })
  Date.now = () => {
    if (!scene) return real.dateNow()
    const { world } = scene
    return world.actor === 'client' ? world.clientWall : world.serviceWall
  }
  Math.random = () => (scene ? scene.random.next() : real.random())
  crypto.randomInt = ((from: number, to: number) =>
    scene ? from + Math.floor(scene.random.next() * (to - from)) : real.randomInt(from, to)) as never
  performance.now = () => {
    if (!scene) return real.performanceNow()
    const { world } = scene
    return world.actor === 'client' ? world.clientMonotonic : world.now
  }
}

function start(world: World, delayInMs: number, run: () => void): () => void {
  const delay = Math.max(1, Number(delayInMs) || 1)
  return world.actor === 'client' ? world.startClientTimer(delay, run) : world.schedule('service', delay, run)
}

function repeat(world: World, delayInMs: number, run: () => void): Handle {
  let stop = () => {}
  const again = () => {
    stop = start(world, delayInMs, () => {
      again()
      run()
    })
  }
  again()
  return new Handle(() => stop())
}
