/** A value of a statement. A list is one value: an array in PostgreSQL, a JSON array in SQLite. */
export type Parameter = string | number | null | readonly (string | number)[]

/** What the store needs of a database. Both drivers take PostgreSQL's `$1` placeholders. */
export interface Database {
  /** Which dialect the migrations are recorded in. */
  driver: 'pg' | 'sqlite3'
  query<Row>(sql: string, parameters?: readonly Parameter[]): Promise<Row[]>
  /** Runs several statements without parameters. */
  execute(script: string): Promise<void>
  /** Runs `work` while no other bridge does the same. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  /** How its connections are used; only where it has several. */
  pool?: () => { busy: number; idle: number; waiting: number }
  close(): Promise<void>
}
