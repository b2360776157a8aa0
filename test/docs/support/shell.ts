/** One command of a shell text. */
export interface Command {
  /** Line in the text, from 1. */
  readonly line: number
  /** Its name and arguments, without quotes. What is only known when it runs is in them as written, `$name`. */
  readonly words: readonly string[]
}

/** A text that bash may take, and that this reader, or a reader of the page, would take for something else. */
export class ShellError extends Error {
  readonly line: number

  constructor(message: string, line: number) {
    super(message)
    this.line = line
  }
}

/** Every command of a text, those within `$(…)` and `(…)` among them. Syntax itself is for `bash -n`. */
export function commandsOf(text: string): Command[] {
  const reader = new Reader(text)
  reader.readCommands(undefined)
  return reader.commands.sort((a, b) => a.line - b.line)
}

class Reader {
  readonly commands: Command[] = []
  readonly #text: string
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  /** Reads up to the end of the text, or of the parenthesis that was opened. */
  readCommands(end: ')' | undefined): void {
    let words: string[] = []
    let line = this.#line
    const finish = () => {
      const isAssignment = (word: string) => /^[A-Za-z_]\w*=/.test(word)
      while (words[0] !== undefined && isAssignment(words[0])) words.shift()
      if (words.length > 0) this.commands.push({ line, words })
      words = []
    }
    while (this.#at < this.#text.length) {
      const next = this.#text[this.#at] ?? ''
      if (next === end) break
      if (next === '\n' || next === ';' || next === '|' || next === '&' || next === '(' || next === ')') {
        finish()
        this.#next()
        if (next === '(') {
          this.readCommands(')')
          this.#next()
        }
      } else if (next === ' ' || next === '\t') this.#next()
      else if (this.#text.startsWith('\\\n', this.#at)) this.#next(2)
      else if (next === '#') while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#next()
      else if (next === '<' || next === '>') this.#redirect()
      else {
        if (words.length === 0) line = this.#line
        words.push(this.#word())
      }
    }
    finish()
  }

  #next(count = 1): string {
    const taken = this.#text.slice(this.#at, this.#at + count)
    this.#line += taken.split('\n').length - 1
    this.#at += count
    return taken
  }

  #redirect(): void {
    const rest = this.#text.slice(this.#at)
    if (/^<[A-Za-z][^\n]*>/.test(rest)) this.#refusePlaceholder(rest)
    if (rest.startsWith('<<'))
      throw new ShellError('a here-document is not understood; write a file, or quotes.', this.#line)
    while (/[<>&]/.test(this.#text[this.#at] ?? '')) this.#next()
    while (this.#text[this.#at] === ' ') this.#next()
    if (/[\w"'$./-]/.test(this.#text[this.#at] ?? '')) this.#word()
  }

  #refusePlaceholder(rest: string): never {
    const [placeholder = ''] = /^<[^>\n]*>/.exec(rest) ?? []
    throw new ShellError(
      `bash takes the placeholder ${placeholder} for a redirection. Write it in capitals, such as YOUR_NAME, or in quotes.`,
      this.#line,
    )
  }

  #word(): string {
    let word = ''
    while (this.#at < this.#text.length) {
      const next = this.#text[this.#at] ?? ''
      if (/[\s;|&()]/.test(next)) break
      if (next === '<' || next === '>') {
        const rest = this.#text.slice(this.#at)
        if (/^<[A-Za-z][^\n]*>/.test(rest)) this.#refusePlaceholder(rest)
        break
      }
      if (next === '\\') word += this.#next(2).slice(1).replace('\n', '')
      else if (next === "'") word += this.#singleQuoted()
      else if (next === '"') word += this.#doubleQuoted()
      else word += this.#substitution() ?? this.#next()
    }
    return word
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1)
    if (end === -1) throw new ShellError('a quote has no end.', this.#line)
    return this.#next(end + 1 - this.#at).slice(1, -1)
  }

  #doubleQuoted(): string {
    let word = ''
    this.#next()
    while (this.#text[this.#at] !== '"') {
      if (this.#at >= this.#text.length) throw new ShellError('a quote has no end.', this.#line)
      if (this.#text[this.#at] === '\\') word += this.#next(2).slice(1).replace('\n', '')
      else word += this.#substitution() ?? this.#next()
    }
    this.#next()
    return word
  }

  /** `$(command)`: its commands are read as well. */
  #substitution(): string | undefined {
    if (!this.#text.startsWith('$(', this.#at)) return undefined
    this.#next(2)
    this.readCommands(')')
    this.#next()
    return '$(…)'
  }
}
