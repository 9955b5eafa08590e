package store

import (
	"context"
	"database/sql"
)

type Store struct{ db *sql.DB }

func Open() (*Store, error) {
	db, err := sql.Open("postgres", "postgres://127.0.0.1/notes")
	if err != nil {
		return nil, err
	}
	return &Store{db: db}, nil
}

func (s *Store) Rows(ctx context.Context) (*sql.Rows, error) {
	return s.db.QueryContext(ctx, "select text from notes") // FINDING CB-001
}

func (s *Store) Close() error { return s.db.Close() }
