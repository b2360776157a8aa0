import type { ConnectionView } from '../protocol.js'
import { counted } from './format.js'
import { Card } from './parts.js'

/** Who is connected now, what links they have, and what they may do. */
export function Connections({
  connections,
  now,
}: {
  readonly connections: readonly ConnectionView[]
  readonly now: number
}) {
  return (
    <Card title="Connections" class="connections" aside={<span class="muted num">{`${connections.length} open`}</span>}>
      {connections.length === 0 ? (
        <p class="empty">Nobody is connected. The producer’s client connects with its first send.</p>
      ) : (
        <ul class="connection-list" data-testid="connections">
          {connections.map((connection) => (
            <li key={connection.id} class="connection">
              <details>
                <summary>
                  <span class="num muted">{`#${connection.id}`}</span>
                  <span class="agent">{nameOf(connection)}</span>
                  <span class="muted small">
                    {`${counted(connection.links.length, 'link')} · ${counted(connection.claims.length, 'claim')} · ${connection.saslMechanism ?? 'no SASL'}`}
                  </span>
                </summary>
                <Links connection={connection} />
                <Claims connection={connection} now={now} />
              </details>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function nameOf({ userAgent, containerId }: ConnectionView): string {
  const name = userAgent ?? containerId
  if (name === undefined) return 'has not opened yet'
  return name.startsWith('hub-page ') ? `This page’s producer (${name.slice('hub-page '.length)})` : name
}

function Links({ connection }: { readonly connection: ConnectionView }) {
  // Some clients have several links of one address: request and response.
  return (
    <table class="fields">
      <caption>Links</caption>
      <tbody>
        {connection.links.map(({ address, role }, index) => (
          <tr key={index}>
            <th scope="row">{address}</th>
            <td class="muted small">{role === 'incoming' ? 'brings messages' : 'takes messages'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Claims({ connection, now }: { readonly connection: ConnectionView; readonly now: number }) {
  return (
    <table class="fields">
      <caption>Claims</caption>
      <tbody>
        {connection.claims.map(({ path, rights, expiresAt }) => (
          <tr key={path}>
            <th scope="row">{path === '' ? 'the whole namespace' : path}</th>
            <td>{rights.join(', ')}</td>
            <td class="muted small">{expiryText(expiresAt, now)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function expiryText(expiresAt: number | undefined, now: number): string {
  if (expiresAt === undefined) return 'does not end'
  const minutes = Math.round((expiresAt - now) / 60_000)
  return minutes < 0 ? 'expired' : `${minutes} min left`
}
