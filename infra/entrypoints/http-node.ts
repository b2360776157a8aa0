import { runFrontDoor } from './http-environment.js'
import { serve } from './node-server.js'

/** The HTTP front door as a Node server: `node http-node.js`. Set up by environment, as `runFrontDoor` says. */
void runFrontDoor(serve)
