import pg from "pg";

const pool = new pg.Pool({ statement_timeout: 5000, query_timeout: 5000, connectionTimeoutMillis: 5000 }); // FINDING RES-001

export const rows = async () => (await pool.query("select text from notes")).rows; // FINDING CB-001
export const close = () => pool.end();
