// Holds the public types against docs/api/: one report for each entry of the package, made by API Extractor from the
// declarations that tsc emits; and docs/reference/, the pages for people, which are made from the same (api-reference.mjs).
// `npm run api` compares, `npm run api -- --write` renews both.
// It also fails where a public symbol has no documentation, or one that others need cannot be imported.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { referencePages } from './api-reference.mjs'

const ownRoot = fileURLToPath(new URL('..', import.meta.url))

/** Every entry of the package that has types: its name for users, its report's file, its declarations below dist/. */
function entriesOf(root) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return Object.entries(exports).flatMap(([name, { types }]) =>
    types === undefined
      ? []
      : [
          {
            name,
            file: `${nameOfPages(name)}.api.md`,
            page: `${nameOfPages(name)}.md`,
            modelFile: `${nameOfPages(name)}.api.json`,
            types: types.replace(/^\.\/dist\//, ''),
          },
        ],
  )
}

function nameOfPages(entry) {
  return entry === '.' ? 'index' : basename(entry)
}

/** Makes a project of declarations alone, outside the repository, whose dist/ may be in use. Returns the problems. */
function emitDeclarations(root, project) {
  cpSync(join(root, 'package.json'), join(project, 'package.json'))
  symlinkSync(join(ownRoot, 'node_modules'), join(project, 'node_modules'), 'dir')
  const tsc = join(ownRoot, 'node_modules/typescript/bin/tsc')
  const options = ['--emitDeclarationOnly', '--declaration', '--sourceMap', 'false', '--inlineSources', 'false']
  const args = [
    tsc,
    '-p',
    join(root, 'tsconfig.json'),
    ...options,
    '--outDir',
    join(project, 'dist'),
    '--pretty',
    'false',
  ]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  // Where the types are wrong there are declarations all the same, and `npm run types` says the same.
  return status === 0 ? [] : [`tsc found errors:\n${stdout}${stderr}`]
}

/** Writes the entry's report into `folder`. Returns what API Extractor has to say against it. */
function extract(project, { file, modelFile, types }, folder) {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    types: ['node'],
    typeRoots: [join(project, 'node_modules/@types')],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
  }
  const report = { logLevel: 'warning', addToApiReportFile: false }
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: project,
      mainEntryPointFilePath: join(project, 'dist', types),
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { compilerOptions, files: [join('dist', types)] } },
      apiReport: { enabled: true, reportFileName: file, reportFolder: folder, reportTempFolder: join(project, 'temp') },
      docModel: { enabled: true, apiJsonFilePath: join(folder, modelFile) },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: report },
        // Everything that is exported is public: there are no release tags.
        extractorMessageReporting: {
          default: report,
          'ae-undocumented': report,
          'ae-missing-release-tag': { logLevel: 'none' },
        },
        // Comments are plain text for readers, not TSDoc's markup.
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(project, 'package.json'),
  })
  const complaints = []
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback(message) {
      message.handled = true
      const { logLevel, messageId, text, sourceFilePath, sourceFileLine } = message
      if ((logLevel !== 'warning' && logLevel !== 'error') || messageId === 'console-api-report-created') return
      const place = sourceFilePath ? `${sourceFilePath.slice(join(project, 'dist/').length)}:${sourceFileLine}: ` : ''
      complaints.push({ messageId, text: `${place}${text} (${messageId})` })
    },
  })
  return complaints
}

/** What a report says can be imported. */
function exportedNames(report) {
  const declarations = report.matchAll(
    /^export (?:abstract )?(?:class|const|enum|function|interface|type) (?<name>\w+)/gm,
  )
  return new Set([...declarations].map(({ groups }) => groups.name))
}

/** A type of another entry need not be exported twice, as long as the package's main entry has it. */
function isImportable({ messageId, text }, names) {
  if (messageId !== 'ae-forgotten-export') return false
  return names.has(/The symbol "(?<name>\w+)" needs/.exec(text)?.groups.name)
}

/** Lines that only one of two texts has, as a diff shows them. */
function differences(before, after) {
  const [old, young] = [before, after].map((text) => text.split('\n'))
  return [
    ...old.filter((line) => !young.includes(line)).map((line) => `- ${line}`),
    ...young.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ]
}

function readReport(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Compares docs/reference/ with what the models in `fresh` say, or writes it. Returns the problems. */
function checkReference(root, entries, fresh, isToWrite) {
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const models = entries.map((entry) => ({
    name: entry.name,
    page: entry.page,
    model: JSON.parse(readFileSync(join(fresh, entry.modelFile), 'utf8')),
  }))
  const folder = join(root, 'docs/reference')
  mkdirSync(folder, { recursive: true })
  const pages = referencePages(name, models)
  const problems = readdirSync(folder)
    .filter((file) => !pages.has(file))
    .map((file) => `docs/reference/${file} is the page of no entry. Delete it.`)
  for (const [file, text] of pages) {
    if (isToWrite) writeFileSync(join(folder, file), text)
    else if (readReport(join(folder, file)) !== text) {
      problems.push(`docs/reference/${file} is not what the docstrings say. Renew it: npm run api -- --write`)
    }
  }
  return problems
}

/** Every problem with the public types of the package at `root`, and with the pages that are made from them. */
function check(root, isToWrite) {
  const kept = join(root, 'docs/api')
  const project = mkdtempSync(join(tmpdir(), 'sluice-api-'))
  const fresh = join(project, 'reports')
  mkdirSync(fresh)
  try {
    const problems = emitDeclarations(root, project)
    const entries = entriesOf(root)
    let main = new Set()
    for (const entry of entries) {
      const complaints = extract(project, entry, fresh)
      const report = readFileSync(join(fresh, entry.file), 'utf8')
      if (entry.name === '.') main = exportedNames(report)
      for (const complaint of complaints) {
        if (!isImportable(complaint, main)) problems.push(`${entry.name}: ${complaint.text}`)
      }
      const known = readReport(join(kept, entry.file))
      if (isToWrite || known === report) continue
      problems.push(
        `${entry.name}: the public types are not those of docs/api/${entry.file}. If that is meant: npm run api -- --write`,
        ...differences(known, report).map((line) => `    ${line}`),
      )
    }
    if (isToWrite) {
      mkdirSync(kept, { recursive: true })
      for (const { file } of entries) writeFileSync(join(kept, file), readFileSync(join(fresh, file)))
    }
    const files = new Set(entries.map(({ file }) => file))
    for (const name of readdirSync(kept).filter((file) => file.endsWith('.api.md') && !files.has(file))) {
      problems.push(`docs/api/${name} is the report of no entry. Delete it.`)
    }
    problems.push(...checkReference(root, entries, fresh, isToWrite))
    return problems
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

const given = process.argv.slice(2)
const unknown = given.filter((argument) => argument.startsWith('-') && argument !== '--write')
if (unknown.length > 0)
  throw new TypeError(`Usage: node scripts/api-report.mjs [--write] [folder]; not ${unknown.join(' ')}`)
const [folder = ownRoot] = given.filter((argument) => !argument.startsWith('-'))
const problems = check(resolve(folder), given.includes('--write'))
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
