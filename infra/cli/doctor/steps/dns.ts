import { isIP } from 'node:net'
import type { Finding, Step } from '../step.js'
import { failed, ok } from '../step.js'
import { codeOf, messageOf } from '../text.js'
import type { Visit } from '../visit.js'

/** Namespaces of the clouds that there are. */
const serviceSuffixes = ['.servicebus.windows.net', '.servicebus.usgovcloudapi.net', '.servicebus.chinacloudapi.cn']

/** Which addresses the name has. */
export const dns: Step = {
  id: 'dns',
  needs: ['settings'],
  limitInMs: 8000,
  async run(visit): Promise<Finding> {
    const { hostname } = visit.firstHop
    if (isIP(hostname)) return ok(`${hostname} is an address already`, { addresses: [hostname] })
    try {
      const found = await visit.seams.lookup(hostname)
      if (found.length === 0) return notFound(visit)
      const addresses = found.map(({ address }) => address)
      const families = [...new Set(found.map(({ family }) => `IPv${family}`))].sort()
      const privately = addresses.some(isPrivate) ? ', a private address' : ''
      return ok(`${hostname} is ${addresses.join(', ')} (${families.join(' and ')}${privately})`, {
        addresses,
        families,
      })
    } catch (error) {
      if (['ENOTFOUND', 'ENODATA', 'EAI_NODATA', 'EAI_NONAME'].includes(codeOf(error))) return notFound(visit)
      return unavailable(visit, messageOf(error))
    }
  },
  timedOut: (visit) => unavailable(visit, 'no answer in time'),
}

function notFound(visit: Visit): Finding {
  const { hostname } = visit.firstHop
  const summary = `There is no host named ${hostname}`
  if (visit.place.httpProxy) return failed('host-not-found', summary, ["Check the proxy's name."])
  return failed('host-not-found', summary, [...adviceOnName(hostname), ...adviceOnNetwork(hostname)])
}

function adviceOnName(hostname: string): string[] {
  const whole = serviceSuffixes.some((suffix) => hostname.toLowerCase().endsWith(suffix))
  if (whole)
    return ["Check the namespace's name: the Azure portal shows it as “Host name” of the Event Hubs namespace."]
  if (!hostname.includes('.')) return [`A namespace is named in whole: ${hostname}.servicebus.windows.net.`]
  return ['Check the name. That of a namespace is NAME.servicebus.windows.net.']
}

function adviceOnNetwork(hostname: string): string[] {
  if (!hostname.endsWith('.servicebus.windows.net')) return []
  return [
    'If the namespace has a private endpoint, this network needs the private DNS zone privatelink.servicebus.windows.net.',
  ]
}

function unavailable(visit: Visit, why: string): Finding {
  return failed('dns-unavailable', `The name ${visit.firstHop.hostname} could not be looked up: ${why}`, [
    "Check this machine's network and its DNS servers: no answer says whether the name exists.",
  ])
}

/** RFC 1918 and RFC 4193. */
function isPrivate(address: string): boolean {
  return /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|f[cd][\da-f]{2}:)/i.test(address)
}
