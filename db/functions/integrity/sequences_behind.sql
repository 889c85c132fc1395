-- A sequence is no part of a table: a restore of the tables alone and logical replication leave it where it was.
create or replace function wallet.sequences_behind()
returns table (sequence regclass, reached bigint, stored bigint)
language plpgsql
stable
as $$
declare
  v_use record;
  v_max bigint;
begin
  for sequence in
    select c.oid from pg_class c where c.relnamespace = 'wallet'::regnamespace and c.relkind = 'S' order by c.relname
  loop
    execute format('select case when s.is_called then s.last_value else s.last_value - 1 end from %s s', sequence) into reached;
    stored := null;
    for v_use in
      -- the column that owns it, and those that have it for a default
      select d.refobjid::regclass as relation, d.refobjsubid as place
      from pg_depend d
      where d.classid = 'pg_class'::regclass and d.objid = sequence and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
      union
      select f.adrelid, f.adnum
      from pg_depend d
      join pg_attrdef f on f.oid = d.objid
      where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = sequence
    loop
      execute format(
        'select max(%I) from %s',
        (select a.attname from pg_attribute a where a.attrelid = v_use.relation and a.attnum = v_use.place),
        v_use.relation
      ) into v_max;
      stored := greatest(stored, v_max);
    end loop;
    if stored > reached then
      return next;
    end if;
  end loop;
end;
$$;

comment on function wallet.sequences_behind() is
  'Sequences of schema wallet that have not reached what is stored: what they give out next is refused (23505). A deploy sets them past it.';
