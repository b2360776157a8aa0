import { serve } from './deno-bun-server.js'
import { runFrontDoor } from './http-environment.js'

/**
 * The HTTP front door as a server of Deno or Bun, bundled with the condition `deno` or `bun`. Set up by environment, as
 * `runFrontDoor` says.
 */
void runFrontDoor(serve)
