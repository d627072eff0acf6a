import { ActivityTable } from './activity-table.ts'
import { BootsTable } from './boots-table.ts'
import { ClaimsTable } from './claims-table.ts'
import { CommandsTable } from './commands-table.ts'
import type { Database } from './database.ts'
import { EnvironmentsTable } from './environments-table.ts'
import { OperationsTable } from './operations-table.ts'
import { OwnersTable } from './owners-table.ts'
import { StepsTable } from './steps-table.ts'
import { TicketsTable } from './tickets-table.ts'

/** Every table of one database. */
export interface Store {
  readonly db: Database
  readonly owners: OwnersTable
  readonly environments: EnvironmentsTable
  readonly boots: BootsTable
  readonly operations: OperationsTable
  readonly steps: StepsTable
  readonly commands: CommandsTable
  readonly claims: ClaimsTable
  readonly tickets: TicketsTable
  readonly activity: ActivityTable
}

export function createStore(db: Database): Store {
  return {
    db,
    owners: new OwnersTable(db),
    environments: new EnvironmentsTable(db),
    boots: new BootsTable(db),
    operations: new OperationsTable(db),
    steps: new StepsTable(db),
    commands: new CommandsTable(db),
    claims: new ClaimsTable(db),
    tickets: new TicketsTable(db),
    activity: new ActivityTable(db),
  }
}
