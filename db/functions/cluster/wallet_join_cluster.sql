-- The lock is the one that an insert into wallet.users conflicts with: whoever registers now is waited for, and who
-- registers next reads what is written here.
create or replace function public.wallet_join_cluster(
  p_number smallint,
  p_homes jsonb
)
returns table (number smallint, generation integer)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_has_users boolean;
  v_number smallint;
  v_behind record;
begin
  perform wallet.require_read_committed();
  perform wallet.require_trust();
  if p_number is null or p_number not between 0 and 4095 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'number', 'reason', 'must be between 0 and 4095'));
  elsif p_homes is null
    or not p_homes @? 'strict $ ? (@.type() == "array" && @.size() > 0)'
    or p_homes @? 'strict $[*] ? (@.type() != "array" || @.size() == 0)'
    or p_homes @? 'strict $[*][*] ? (@.type() != "number" || @ < 0 || @ > 4095 || @.floor() != @)'
  then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'homes', 'reason', 'must be a list of generations, each a list of numbers from 0 to 4095'
    ));
  elsif exists (
    select
    from jsonb_array_elements(p_homes) g (numbers)
    where jsonb_array_length(g.numbers) > (select count(distinct e) from jsonb_array_elements(g.numbers) e)
  ) then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'homes', 'reason', 'must not name a database twice in a generation'
    ));
  end if;

  lock table wallet.users in share row exclusive mode;
  v_has_users := exists (select from wallet.users u);
  select s.number into strict v_number
  from wallet.shard s;
  -- ids of the number before may have been drawn, by what has no user
  if p_number < v_number or p_number <> v_number and v_has_users then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'number', 'reason', 'can only be raised, while there are no users', 'number', v_number
    ));
  end if;

  delete from wallet.homes h where not v_has_users;
  insert into wallet.homes (generation, numbers)
  select g.place, array(
    select e.number::smallint
    from jsonb_array_elements(g.numbers) with ordinality e (number, place)
    order by e.place
  )
  from jsonb_array_elements(p_homes) with ordinality g (numbers, place)
  on conflict on constraint homes_pkey do nothing;
  if p_homes <> (select jsonb_agg(to_jsonb(h.numbers) order by h.generation) from wallet.homes h) then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'homes', 'reason', 'must begin with the generations that are stored, once there are users'
    ));
  end if;

  update wallet.shard s set number = p_number where s.number <> p_number;
  for v_behind in select * from wallet.sequences_behind() loop
    -- not by setval(), which a rollback does not take back
    execute format('alter sequence %s restart with %s', v_behind.sequence, v_behind.due + 1);
  end loop;

  -- from now on a restored copy is known as one, and draws no number that other databases have met
  insert into wallet.event_epochs (id, token, system_id, timeline, known_id, marked_id)
  select 1, floor(random() * 2147483647)::integer, l.system_id, l.timeline, 0, 0
  from wallet.history_line() l
  where not exists (select from wallet.event_epochs e);

  return query select p_number, jsonb_array_length(p_homes);
end;
$$;

comment on function public.wallet_join_cluster(smallint, jsonb) is
$$ Tells a database which one of a cluster it is, and among which databases names are spread. Doing it again changes
nothing. Every database of the cluster is told the same homes, those of older generations first.

p_number 0 to 4095; it can be raised while the database has no users, and is final then
p_homes  lists of numbers, one for each generation, the oldest first: [[0], [0, 1]]. With users, generations can only be
         appended: the names of those before stay where they are

Returns the number and the newest generation. Sequences continue at the number, shifted by 40 bits, or above. Waits for
registrations under way. For administrators.
Errors: WA002 invalid argument, also a number that cannot change and generations other than stored; WA035 administrators
only. $$;
