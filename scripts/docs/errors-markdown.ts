import { EXIT_OF_CODE, EXITS } from '../../src-main/shell/cli/exit-codes.ts'
import { appContract } from '../../src-shared/contract/app.ts'
import { COMMON_ERRORS } from '../../src-shared/contract/call.ts'
import { callsOf } from '../../src-shared/contract/client.ts'
import { ERROR_CATALOGUE, ERROR_CODES, type ErrorCode } from '../../src-shared/error.ts'
import { tableOf } from './shape-text.ts'

const INTRODUCTION = `# Errors

<!-- Generated from src-shared/error.ts by \`npm run docs\`; a test fails when it is stale. -->

The set is closed: whatever goes wrong is answered with one of these codes, a sentence that says what happened, a hint
that says what to do next, whether the same request may succeed later by itself, and the request id. Callers branch on
the code. The hint below is the default; a call may give a better one.

`

function raisedBy(code: ErrorCode): string {
  if ((COMMON_ERRORS as readonly ErrorCode[]).includes(code)) return 'any call'
  const names = callsOf(appContract)
    .filter(({ meta }) => meta.errors.includes(code))
    .map(({ path }) => `\`${path.join('.').replace(/^host\./, '')}\``)
  return names.length === 0 ? 'connections and consoles' : [...new Set(names)].join(', ')
}

function section(code: ErrorCode): string {
  const { status, retryable, hint } = ERROR_CATALOGUE[code]
  const exit = EXITS[EXIT_OF_CODE[code]].status
  const facts = tableOf(
    ['HTTP status', 'exit status', 'may succeed later', 'answered by'],
    [[String(status), String(exit), retryable ? 'yes' : 'no', raisedBy(code)]],
  )
  return `## ${code}\n\n${hint}\n\n${facts}`
}

/** docs/errors.md, whole. */
export function renderErrorsMarkdown(): string {
  return `${INTRODUCTION}${ERROR_CODES.map(section).join('\n\n')}\n`
}
