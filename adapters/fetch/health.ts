import { jsonResponse } from './problem.js'

/** `GET /health`: this process answers. It says nothing about Event Hubs, so that a probe neither costs nor reveals anything. */
export async function getHealth(): Promise<Response> {
  return jsonResponse(200, { status: 'ok' })
}
