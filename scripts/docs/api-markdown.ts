import type { AnyContractRouter } from '@orpc/contract'
import { SPELLINGS, type DaemonCallName } from '../../src-main/shell/cli/spelling.ts'
import { appContract } from '../../src-shared/contract/app.ts'
import { COMMON_ERRORS, type CallMeta } from '../../src-shared/contract/call.ts'
import { callsOf } from '../../src-shared/contract/client.ts'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import { inputShapeOf, outputShapeOf, shapeOf, type SchemaShape } from '../../src-shared/contract/describe.ts'
import type { ErrorCode } from '../../src-shared/error.ts'
import { MODEL_NAMES, MODELS } from './model-names.ts'
import { anchorOf, referencesOf, shapeBlock, shapeText, tableOf } from './shape-text.ts'

const INTRODUCTION = `# API

<!-- Generated from src-shared/contract by \`npm run docs\`; a test fails when it is stale. -->

Every call is declared once, in \`src-shared/contract\`; this page, the typed client, the daemon's dispatcher and the
command line derive from it. The daemon serves the calls on its role sockets (\`viewer.sock\`, \`operator.sock\`,
\`admin.sock\`): the socket that a connection came in on is its role, and a call above it answers \`forbidden\`.
A request carries \`x-request-id\` (\`req-\` and 16 hex digits) and may carry \`x-claimed-actor\`. The same calls are plain
HTTP on the same sockets: \`POST /api/GROUP/CALL\` with the input as JSON, described at \`/api/openapi.json\`.

A deadline is the client's default; every call can be aborted. Any call may answer
${COMMON_ERRORS.map(errorLink).join(', ')}; a call's own list adds to these.
`

function errorLink(code: ErrorCode): string {
  return `[\`${code}\`](errors.md#${anchorOf(code)})`
}

function deadlineText({ deadlineMs }: CallMeta): string {
  return deadlineMs === null ? 'none; it ends with its connection' : `${deadlineMs / 1000} s`
}

interface Call {
  readonly contract: AnyContractRouter
  readonly path: readonly string[]
  readonly meta: CallMeta
}

function callSection({ contract, path, meta }: Call): string {
  const name = path.join('.')
  const input = inputShapeOf(contract, path, MODEL_NAMES)
  const { isStream, shape: output } = outputShapeOf(contract, path, MODEL_NAMES)
  const hasInput = Object.keys(input.properties ?? {}).length > 0
  return [
    `### ${name}`,
    meta.summary,
    tableOf(
      ['role', 'effect', 'deadline', 'command'],
      [[meta.role, meta.effect, deadlineText(meta), commandText(contract, name)]],
    ),
    hasInput ? `Input:\n\n${shapeBlock(input)}` : 'Input: none.',
    `${isStream ? 'A stream of events, each' : 'Output'}:${outputText(output)}`,
    meta.errors.length === 0 ? '' : `Errors of its own: ${meta.errors.map(errorLink).join(', ')}.`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function outputText(shape: SchemaShape): string {
  const isTable = shape.$ref === undefined && Object.keys(shape.properties ?? {}).length > 0
  return isTable ? `\n\n${shapeBlock(shape)}` : ` ${shapeText(shape)}.`
}

function commandText(contract: AnyContractRouter, name: string): string {
  if (contract !== daemonContract) return ''
  const { words, mode } = SPELLINGS[name as DaemonCallName]
  return `[\`pilothouse ${words.join(' ')}${mode === undefined ? '' : ` --${mode}`}\`](cli.md#${anchorOf(`pilothouse ${words.join(' ')}`)})`
}

function overview(calls: readonly Call[]): string {
  const rows = calls.map(({ path, meta }) => {
    const name = path.join('.')
    return [`[\`${name}\`](#${anchorOf(name)})`, meta.role, meta.effect, meta.summary]
  })
  return tableOf(['call', 'role', 'effect', 'what'], rows)
}

/** Models that the calls refer to, and those that these refer to. */
function modelSections(calls: readonly Call[]): string {
  const shapes = new Map(
    [...MODELS].map(([name, schema]) => [name, definitionOf(name, shapeOf(schema, 'output', MODEL_NAMES))]),
  )
  const needed = new Set<string>()
  const visit = (shape: SchemaShape): void => {
    for (const name of referencesOf(shape)) {
      if (needed.has(name)) continue
      needed.add(name)
      visit(shapes.get(name) ?? {})
    }
  }
  for (const { contract, path } of calls) {
    visit(inputShapeOf(contract, path, MODEL_NAMES))
    visit(outputShapeOf(contract, path, MODEL_NAMES).shape)
  }
  return [...shapes]
    .filter(([name]) => needed.has(name))
    .map(([name, shape]) => `### ${name}\n\n${shapeBlock(shape)}`)
    .join('\n\n')
}

function definitionOf(name: string, shape: SchemaShape): SchemaShape {
  const { $defs = {} } = shape as { $defs?: Record<string, SchemaShape> }
  return $defs[name] ?? shape
}

/** docs/api.md, whole. */
export function renderApiMarkdown(): string {
  const daemonCalls: Call[] = callsOf(daemonContract).map((call) => ({ contract: daemonContract, ...call }))
  const appCalls: Call[] = callsOf(appContract)
    .filter(({ path }) => path[0] !== 'host')
    .map((call) => ({ contract: appContract, ...call }))
  const sections = [
    INTRODUCTION.trimEnd(),
    `## Calls of the daemon\n\n${overview(daemonCalls)}`,
    ...daemonCalls.map(callSection),
    `## Calls between window and main\n\nThe window asks these of the console's own main process, and any call of the daemon, passed through to the host that its context names.\n\n${overview(appCalls)}`,
    ...appCalls.map(callSection),
    `## Models\n\n${modelSections([...daemonCalls, ...appCalls])}`,
  ]
  return `${sections.join('\n\n')}\n`
}
