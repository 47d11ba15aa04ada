/** What the store needs of a database. Both drivers take PostgreSQL's `$1` placeholders. */
export interface Database {
  /** Which dialect the migrations are recorded in. */
  driver: 'pg' | 'sqlite3'
  query<Row>(sql: string, parameters?: readonly (string | number | null)[]): Promise<Row[]>
  /** Runs several statements without parameters. */
  execute(script: string): Promise<void>
  /** Runs `work` while no other bridge does the same. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}
