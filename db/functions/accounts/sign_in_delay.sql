-- Users who share an address, or a user with several devices, make more mistakes than one user in one place.
create or replace function wallet.sign_in_delay(
  p_kind text,
  p_failures integer
)
returns interval
language sql
immutable
as $$
  select case
    when p_failures < f.free then null
    else least(interval '1 second' * 2 ^ least(p_failures - f.free, 6), interval '1 minute')
  end
  from (select case p_kind when 'pair' then 5 when 'account' then 20 else 200 end as free) f
$$;

comment on function wallet.sign_in_delay(text, integer) is
  'How long after so many failures the next try must wait: null for none at first, then 1 second, doubled by each, at most a minute.';
