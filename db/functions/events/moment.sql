create or replace function wallet.moment(
  p_at timestamptz
)
returns text
language sql
stable
as $$
  select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

comment on function wallet.moment(timestamptz) is 'RFC 3339 in UTC, with microseconds, whatever the session''s settings are.';
