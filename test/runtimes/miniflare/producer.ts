/** Puts messages into the queue, for tests: its bindings are what counts. */
export default {
  fetch: () => new Response(null, { status: 404 }),
}
