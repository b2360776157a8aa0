// tsc never deletes what a removed source file left behind; a stale module in dist/ would ship.
import { rmSync } from 'node:fs'

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
