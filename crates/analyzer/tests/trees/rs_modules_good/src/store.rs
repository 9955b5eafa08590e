use sqlx::postgres::{PgPool, PgPoolOptions};

#[derive(Clone)]
pub struct Store {
    pool: PgPool,
}

impl Store {
    pub async fn open() -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new().connect("postgres://127.0.0.1/notes").await?;
        Ok(Self { pool })
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}
