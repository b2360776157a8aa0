import { openTunnel } from '../../../../core/amqp/proxy.js'
import { authorityOf } from '../../../../core/amqp/socket.js'
import { toEventHubError } from '../../../../core/errors.js'
import { failed, notUsed, ok, type Step } from '../step.js'
import { messageOf } from '../text.js'

/** Whether the proxy opens a tunnel. */
export const proxy: Step = {
  id: 'proxy',
  needs: ['tcp'],
  limitInMs: 8000,
  async run(visit, { signal }) {
    const { httpProxy } = visit.place
    const { unusedProxy } = visit.options
    if (!httpProxy) {
      return notUsed(
        unusedProxy ? `None in use: ${unusedProxy} is set, and counts only if given as --http-proxy` : 'None in use',
      )
    }
    const { authority } = visit.target
    const where = `The proxy ${authorityOf(httpProxy.hostname, httpProxy.port)}`
    try {
      const tunnel = await openTunnel(httpProxy, visit.target, visit.context, signal)
      tunnel.destroy()
      return ok(`${where} opens a tunnel to ${authority}`)
    } catch (thrown) {
      signal.throwIfAborted()
      const error = toEventHubError(thrown)
      const details = { status: error.condition ?? null }
      if (error.condition === '407') {
        const which = httpProxy.username === undefined ? 'none were given' : 'those given are not its'
        return failed(
          'proxy-authentication',
          `${where} asks for credentials, and ${which} (407)`,
          ['Give them in the URL: --http-proxy http://USER:PASSWORD@HOST:PORT. Only the Basic scheme is supported.'],
          details,
        )
      }
      if (/^\d{3}$/.test(error.condition ?? '')) {
        return failed(
          'proxy-refused',
          `${where} refuses a tunnel to ${authority} (${error.condition})`,
          [`Its rules must allow CONNECT to ${authority}; a status of 5xx says that it cannot reach that host itself.`],
          details,
        )
      }
      if (error.code === 'protocol-error') {
        return failed('proxy-not-http', `${where} does not speak HTTP`, ['Check its host and port.'], details)
      }
      return failed('proxy-failed', `${where} did not open a tunnel: ${messageOf(error)}`, ['Check its host and port.'])
    }
  },
  timedOut: ({ place, target }) =>
    failed(
      'proxy-silent',
      `The proxy ${authorityOf(place.httpProxy?.hostname ?? '', place.httpProxy?.port ?? 0)} took the connection and does not answer CONNECT ${target.authority}`,
      ['Is it an HTTP proxy? Check its host and port, and whether it can reach the target.'],
    ),
}
