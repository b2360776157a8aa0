import { kindOf } from '../../core/options.js'
import type { Destination } from '../flush-on-freeze.js'
import { type AppSettings, appSetting, whereSettingsGo } from './app-settings.js'
import { credentialFromSettings } from './identity.js'

/**
 * Where events go, by the conventions of Functions: the app setting `connection` holds a connection string, or
 * `connection__fullyQualifiedNamespace` names a namespace for an identity. Where both are set, the connection string
 * is taken, as the host does. `AzureWebJobsNAME` and `ConnectionStrings__NAME` come before. Throws an `Error` that names
 * what is missing and where to put it.
 */
export function destinationFromSettings(
  connection: string,
  eventHubName: string | undefined,
  settings: AppSettings,
): Destination {
  assertIsSettingName(connection)
  const prefix = prefixOf(connection, settings)
  const connectionString = appSetting(settings, prefix)
  if (connectionString?.startsWith('@Microsoft.KeyVault(')) {
    throw new Error(
      `The app setting ${prefix} is a Key Vault reference that was not resolved. ` +
        'Check the reference, and that the Function App may read the secret.',
    )
  }
  const fullyQualifiedNamespace = appSetting(settings, `${prefix}__fullyQualifiedNamespace`)
  if (!connectionString && !fullyQualifiedNamespace) {
    throw new Error(
      `The app setting ${connection} is missing. Put an Event Hubs connection string there, or, to use an identity, ` +
        `put the namespace (such as my-namespace.servicebus.windows.net) in ${connection}__fullyQualifiedNamespace. ${whereSettingsGo}`,
    )
  }
  const hub = eventHubName === undefined ? undefined : resolvePlaceholders(eventHubName, settings)
  if (hub) assertIsHubName(hub)
  if (connectionString) return { connectionString, eventHubName: hub }
  if (!hub) {
    throw new TypeError(`eventHubName is needed beside the app setting ${connection}__fullyQualifiedNamespace.`)
  }
  const credential = credentialFromSettings(prefix, settings)
  return { fullyQualifiedNamespace, eventHubName: hub, credential }
}

/**
 * Where the settings of a connection stand, in the order in which the host looks: `AzureWebJobsNAME` before `NAME`, each
 * among the app's connection strings before its settings.
 */
function prefixOf(connection: string, settings: AppSettings): string {
  const prefixes = [`AzureWebJobs${connection}`, connection].flatMap((name) => [`ConnectionStrings__${name}`, name])
  const isSet = (prefix: string) =>
    Object.keys(settings).some((name) => isOf(prefix, name) && appSetting(settings, name) !== undefined)
  return prefixes.find(isSet) ?? connection
}

function isOf(prefix: string, name: string): boolean {
  return name === prefix || name.startsWith(`${prefix}__`)
}

/** Throws `TypeError` for what cannot be the name of an app setting. */
export function assertIsSettingName(connection: unknown): void {
  // Someone who passes the connection string itself must not find its key in a log.
  if (typeof connection === 'string' && /^[^;=\s]+$/.test(connection)) return
  throw new TypeError(
    'connection is the name of an app setting, not a connection string. ' +
      'Put the connection string in an app setting and pass its name, or pass it as connectionString.',
  )
}

/** Before the client, which may quote it: the setting may hold a connection string by mistake. */
function assertIsHubName(eventHubName: string): void {
  if (/^[^\s/?#;=]+$/.test(eventHubName)) return
  throw new TypeError('eventHubName, or the app setting that it names, is not the name of an event hub.')
}

/** `%NAME%` stands for the app setting NAME, as in the host's own bindings. */
function resolvePlaceholders(text: string, settings: AppSettings): string {
  if (typeof text !== 'string') throw new TypeError(`eventHubName must be a string; received ${kindOf(text)}.`)
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = appSetting(settings, name)
    if (value) return value
    throw new Error(`The app setting ${name}, which eventHubName "${text}" names, is missing. ${whereSettingsGo}`)
  })
}
