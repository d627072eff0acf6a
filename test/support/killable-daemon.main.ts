import { heedKillOrders } from './kill-points.ts'

/**
 * The whole daemon as it is, in a process that ends itself, or its guests, where it is ordered to:
 * `KILL_ORDERS=FOLDER node killable-daemon.main.ts run --config PATH`.
 */
const folder = process.env['KILL_ORDERS']
if (folder === undefined) throw new Error('KILL_ORDERS is missing')
heedKillOrders(folder)
await import('../../host-daemon/index.ts')
