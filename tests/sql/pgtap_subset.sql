-- A subset of pgTAP (https://pgtap.org), so that the tests need no extension: same names, same arguments, same kind of
-- output. `make test-pgtap` runs the tests on pgTAP itself.
-- The count of assertions is a setting of the transaction, which any role can write.

create function plan(p_tests integer) returns text
language sql
as $$
  select '1..' || set_config('tap.planned', p_tests::text, true)
  from set_config('tap.run', '0', true) r, set_config('tap.failed', '0', true) f
  where (r, f) is not null
$$;

create function finish() returns setof text
language sql
as $$
  select format('# planned %s assertions but ran %s', current_setting('tap.planned'), current_setting('tap.run'))
  where current_setting('tap.planned') <> current_setting('tap.run')
  union all
  select format('# %s of %s assertions failed', current_setting('tap.failed'), current_setting('tap.run'))
  where current_setting('tap.failed') <> '0'
$$;

-- One result line; p_diagnosis follows it when the assertion failed.
create function verdict(p_passed boolean, p_description text, p_diagnosis text) returns text
language plpgsql
as $$
declare
  v_run constant integer := current_setting('tap.run')::integer + 1;
begin
  perform set_config('tap.run', v_run::text, true);
  if p_passed then
    return format('ok %s - %s', v_run, p_description);
  end if;
  perform set_config('tap.failed', (current_setting('tap.failed')::integer + 1)::text, true);
  return format('not ok %s - %s', v_run, p_description) || coalesce(e'\n' || regexp_replace(p_diagnosis, '^', '#   ', 'gn'), '');
end;
$$;

create function ok(p_passed boolean, p_description text) returns text
language sql
as $$
  select tap.verdict(coalesce(p_passed, false), p_description, case when p_passed is null then 'the result was null' end)
$$;

create function pass(p_description text) returns text
language sql
as $$ select tap.verdict(true, p_description, null) $$;

create function fail(p_description text) returns text
language sql
as $$ select tap.verdict(false, p_description, null) $$;

create function "is"(p_have anyelement, p_want anyelement, p_description text) returns text
language sql
as $$
  select tap.verdict(
    p_have is not distinct from p_want, p_description,
    format(e'have: %s\nwant: %s', coalesce(p_have::text, 'null'), coalesce(p_want::text, 'null'))
  )
$$;

create function isnt(p_have anyelement, p_unwanted anyelement, p_description text) returns text
language sql
as $$
  select tap.verdict(p_have is distinct from p_unwanted, p_description, format('have: %s, which was not wanted', coalesce(p_have::text, 'null')))
$$;

create function matches(p_have anyelement, p_pattern text, p_description text) returns text
language sql
as $$
  select tap.verdict(
    coalesce(p_have::text ~ p_pattern, false), p_description,
    format(e'have: %s\nwhich does not match: %s', coalesce(p_have::text, 'null'), p_pattern)
  )
$$;

create function cmp_ok(p_have anyelement, p_operator text, p_want anyelement, p_description text) returns text
language plpgsql
as $$
declare
  v_passed boolean;
begin
  execute format('select $1 %s $2', p_operator) into v_passed using p_have, p_want;
  return tap.verdict(
    coalesce(v_passed, false), p_description,
    format('%s %s %s does not hold', coalesce(p_have::text, 'null'), p_operator, coalesce(p_want::text, 'null'))
  );
end;
$$;

-- p_sql is a statement here; pgTAP also takes the name of a prepared one.
create function throws_ok(p_sql text, p_code character(5), p_message text, p_description text) returns text
language plpgsql
as $$
declare
  v_caught text := 'no error';
  v_passed boolean := false;
begin
  begin
    execute p_sql;
  exception when others or assert_failure then
    v_caught := sqlstate || ': ' || sqlerrm;
    v_passed := (p_code is null or sqlstate = p_code) and (p_message is null or sqlerrm = p_message);
  end;
  return tap.verdict(
    v_passed, p_description, format(e'caught: %s\nwanted: %s', v_caught, concat_ws(': ', coalesce(p_code, 'an error'), p_message))
  );
end;
$$;

create function lives_ok(p_sql text, p_description text) returns text
language plpgsql
as $$
declare
  v_died text;
begin
  begin
    execute p_sql;
  exception when others or assert_failure then
    v_died := format('died: %s: %s', sqlstate, sqlerrm);
  end;
  return tap.verdict(v_died is null, p_description, v_died);
end;
$$;

-- Every row of a query as text, in its order; null where there is none.
create function rows_of(p_sql text) returns text[]
language plpgsql
as $$
declare
  v_rows text[];
begin
  execute format('select array_agg(q::text) from (%s) q', rtrim(p_sql, e'; \n')) into v_rows;
  return v_rows;
end;
$$;

create function results_eq(p_have text, p_want text, p_description text) returns text
language plpgsql
as $$
declare
  v_have constant text[] := tap.rows_of(p_have);
  v_want constant text[] := tap.rows_of(p_want);
begin
  return tap.verdict(
    v_have is not distinct from v_want, p_description,
    format(e'have: %s\nwant: %s', coalesce(array_to_string(v_have, ' '), 'no rows'), coalesce(array_to_string(v_want, ' '), 'no rows'))
  );
end;
$$;

create function is_empty(p_sql text, p_description text) returns text
language plpgsql
as $$
declare
  v_rows constant text[] := tap.rows_of(p_sql);
begin
  return tap.verdict(v_rows is null, p_description, 'unexpected rows: ' || array_to_string(v_rows, e'\n'));
end;
$$;

create function isnt_empty(p_sql text, p_description text) returns text
language plpgsql
as $$
begin
  return tap.verdict(tap.rows_of(p_sql) is not null, p_description, 'the query has no rows');
end;
$$;
