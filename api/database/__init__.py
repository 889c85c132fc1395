"""The way to PostgreSQL: one typed method per SQL function, and the pools behind them."""
