create or replace function wallet.forbid_change()
returns trigger
language plpgsql
as $$
begin
  perform wallet.raise_error('WA008', jsonb_build_object('table', tg_table_name, 'operation', lower(tg_op)));
  return null;
end;
$$;

comment on function wallet.forbid_change() is 'Trigger: refuses UPDATE, DELETE and TRUNCATE for everyone (WA008), the owner included.';
