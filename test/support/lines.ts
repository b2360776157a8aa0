import type { Logger } from '../../core/index.js'

/** A logger that listens at every level, and what it was told, as `level: message`. */
export function linesOf(): { readonly lines: string[]; readonly logger: Logger } {
  const lines: string[] = []
  const at = (level: string) => (message: string) => {
    lines.push(`${level}: ${message}`)
  }
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}
