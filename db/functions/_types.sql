-- Types that only functions of an earlier version used: dropped by the first deploy that finds no such function.
do $$
begin
  if to_regtype('wallet.opening') is not null and not exists (
    select
    from pg_depend d
    where d.refclassid = 'pg_type'::regclass and d.refobjid = to_regtype('wallet.opening') and d.classid = 'pg_proc'::regclass
  ) then
    drop type wallet.opening;
  end if;
end;
$$;
