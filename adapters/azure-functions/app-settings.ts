/** App settings by name; in a worker, `process.env`. */
export type AppSettings = Readonly<Record<string, string | undefined>>

/** An app setting's value. Blank counts as missing, as deployment templates leave them. */
export function appSetting(settings: AppSettings, name: string): string | undefined {
  return settings[name]?.trim() || undefined
}

export const whereSettingsGo =
  'On your machine that is "Values" in local.settings.json; in Azure, the Function App\'s environment variables (app settings).'
