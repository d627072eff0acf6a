import { ActivityTable } from './activity-table.ts'
import { BootsTable } from './boots-table.ts'
import { BackupStatesTable } from './backup-states-table.ts'
import { ChildrenTable } from './children-table.ts'
import { ClaimsTable } from './claims-table.ts'
import { CommandsTable } from './commands-table.ts'
import type { Database } from './database.ts'
import { EnvironmentsTable } from './environments-table.ts'
import { KeptHomesTable } from './kept-homes-table.ts'
import { OperationsTable } from './operations-table.ts'
import { OwnersTable } from './owners-table.ts'
import { PointsTable } from './points-table.ts'
import { ScratchGuestsTable } from './scratch-guests-table.ts'
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
  readonly children: ChildrenTable
  readonly commands: CommandsTable
  readonly claims: ClaimsTable
  readonly tickets: TicketsTable
  readonly activity: ActivityTable
  readonly points: PointsTable
  readonly backupStates: BackupStatesTable
  readonly keptHomes: KeptHomesTable
  readonly scratchGuests: ScratchGuestsTable
}

export function createStore(db: Database): Store {
  return {
    db,
    owners: new OwnersTable(db),
    environments: new EnvironmentsTable(db),
    boots: new BootsTable(db),
    operations: new OperationsTable(db),
    steps: new StepsTable(db),
    children: new ChildrenTable(db),
    commands: new CommandsTable(db),
    claims: new ClaimsTable(db),
    tickets: new TicketsTable(db),
    activity: new ActivityTable(db),
    points: new PointsTable(db),
    backupStates: new BackupStatesTable(db),
    keptHomes: new KeptHomesTable(db),
    scratchGuests: new ScratchGuestsTable(db),
  }
}
