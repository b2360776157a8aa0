import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventHubOptions, type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { createPrivateAuthority } from '../../support/private-authority.js'

/** A local hub with TLS, and how each stranger reaches it. */
export interface Service extends AsyncDisposable {
  readonly hub: LocalHub
  /** Arguments of azure_client.py, over AMQP with TLS. */
  azure(eventHubName: string): Record<string, unknown>
  /** Arguments of azure_client.py, over WebSocket with TLS. */
  azureOverWebSocket(eventHubName: string): Record<string, unknown>
  /** Arguments of proton_client.py, over TLS with SASL PLAIN. */
  readonly proton: Record<string, unknown>
  /** PEM. */
  readonly ca: string
}

export const keyName = 'root'
export const key = 'a key / of ours+='

export async function startService(
  eventHubs: Record<string, EventHubOptions>,
  options: { readonly maxMessageSizeInBytes?: number } = {},
): Promise<Service> {
  const authority = createPrivateAuthority('interop')
  const folder = mkdtempSync(join(tmpdir(), 'sluice-interop-'))
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, authority.ca)
  const hub = await startLocalHub({
    tls: authority.issue(['localhost']),
    sharedAccessKeys: { [keyName]: key },
    eventHubs,
    ...options,
  })
  const azure = (eventHubName: string) => ({
    // The Python SDK takes no port here.
    connection_string: hub
      .connectionStringFor(eventHubName, { transport: 'amqps' })
      .replace(/127\.0\.0\.1:\d+/, 'localhost'),
    ca: caFile,
    amqps_port: hub.amqpsPort,
  })
  return {
    hub,
    azure,
    azureOverWebSocket: (eventHubName) => ({ ...azure(eventHubName), wss: `sb://localhost:${hub.httpsPort}` }),
    proton: {
      url: `amqps://localhost:${hub.amqpsPort}`,
      ca: caFile,
      user: keyName,
      password: key,
      mechanisms: 'PLAIN',
    },
    ca: authority.ca,
    [Symbol.asyncDispose]: async () => {
      await hub.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
