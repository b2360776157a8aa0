import { spawn } from 'node:child_process'

/** What tells whether anyone is there to look. */
export interface Desktop {
  readonly platform: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly isTerminal: boolean
}

const ofThisProcess = (): Desktop => ({
  platform: process.platform,
  env: process.env,
  isTerminal: process.stdout.isTTY === true,
})

/**
 * The command that opens a URL in the user's browser; undefined where none should be: in CI, where the output is no
 * terminal, where there is no desktop, and with `BROWSER=none`.
 */
export function browserCommand(
  url: string,
  { platform, env, isTerminal }: Desktop,
): { readonly command: string; readonly args: readonly string[] } | undefined {
  const isWanted = isTerminal && !env.CI && env.BROWSER !== 'none' && !env.SSH_CONNECTION
  if (!isWanted) return undefined
  if (platform === 'darwin') return { command: 'open', args: [url] }
  // Not `start`, which is the shell's and reads `&` in its own way.
  if (platform === 'win32') return { command: 'rundll32', args: ['url.dll,FileProtocolHandler', url] }
  return env.DISPLAY || env.WAYLAND_DISPLAY ? { command: 'xdg-open', args: [url] } : undefined
}

/** Opens a URL where `browserCommand` says how. Never fails: the URL is printed as well. */
export function openInBrowser(url: string, desktop: Desktop = ofThisProcess()): void {
  const found = browserCommand(url, desktop)
  if (found === undefined) return
  const child = spawn(found.command, found.args, { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
