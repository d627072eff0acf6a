import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import type { BootRecord } from '../../host-daemon/drivers/vm-driver.ts'
import { handlesOf } from '../../host-daemon/drivers/qemu/handles.ts'

const PROGRAM = `
const { createServer } = require('node:net')
const [qmpPath, status] = process.argv.slice(-2)
if (status === 'mute') setInterval(() => undefined, 60000)
else createServer((socket) => {
  socket.on('error', () => undefined)
  socket.write('{"QMP": {"version": {}}}\\n')
  socket.on('data', (data) => {
    for (const line of data.toString().split('\\n').filter(Boolean)) {
      const { execute, id } = JSON.parse(line)
      socket.write('{"timestamp": {}, "event": "STOP"}\\n')
      socket.write(JSON.stringify({ return: execute === 'query-status' ? { status, running: false } : {}, id }) + '\\n')
    }
  })
}).listen(qmpPath)
process.stdout.write('up')
`

/**
 * A process that is taken for the boot's QEMU, without a pid file, and that says `status` when it is asked;
 * `mute` opens no monitor at all. The caller ends it.
 */
export async function startFakeEngine(record: BootRecord, status: string): Promise<ChildProcess> {
  const { bootDirectory, processName, qmpSocket } = handlesOf(record)
  await mkdir(bootDirectory, { recursive: true })
  const args = ['-e', PROGRAM, '--', '-name', processName, qmpSocket, status]
  const child = spawn(process.execPath, args, { argv0: 'qemu-system-x86_64', stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}
