-- A sequence is no part of a table: a restore of the tables alone and logical replication leave it where it was. One
-- that a migration makes begins at 1, which is a number of database 0.
create or replace function wallet.sequences_behind()
returns table (sequence regclass, reached bigint, due bigint)
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
    due := (select s.number::bigint << 40 from wallet.shard s);
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
      due := greatest(due, v_max);
    end loop;
    if due > reached then
      return next;
    end if;
  end loop;
end;
$$;

comment on function wallet.sequences_behind() is
  'Sequences of schema wallet that have not reached what is stored, or where the numbers of this database begin: what they give out next is refused (23505) or another database''s. A deploy sets them past it.';
