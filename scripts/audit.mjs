// Asks the package registry for known vulnerabilities of what users get: the run-time dependencies. Fails for one that is
// high or critical. A registry that does not answer such questions is named, and is no failure: then nothing is known.
import { spawnSync } from 'node:child_process'

const { stdout, stderr } = spawnSync('npm', ['audit', '--omit=dev', '--omit=peer', '--json'], {
  encoding: 'utf8',
  shell: process.platform === 'win32',
})
let report
try {
  report = JSON.parse(stdout)
} catch {
  report = { message: stderr.trim().split('\n')[0] }
}
const counts = report.metadata?.vulnerabilities
if (counts === undefined) {
  console.log(
    `NOT CHECKED for known vulnerabilities: the registry does not answer (${report.statusCode ?? 'no status'}).`,
  )
} else {
  console.log(`Known vulnerabilities of run-time dependencies: ${JSON.stringify(counts)}`)
  for (const [name, { severity, via }] of Object.entries(report.vulnerabilities ?? {})) {
    console.log(`- ${name} (${severity}): ${via.map((each) => each.title ?? each).join('; ')}`)
  }
  if (counts.high + counts.critical > 0) process.exitCode = 1
}
