import { serve } from '../../../../infra/entrypoints/node-server.js'
import { type DoorsEnv, fetchFromDoors } from '../doors.js'

const env = process.env as unknown as DoorsEnv
const { url } = await serve({ fetch: (request, _env, ctx) => fetchFromDoors(request, env, ctx) }, { port: 0 })
console.log(`Listening on ${url}`)
