-- Erasures by functions of an earlier version, after the migration that put those of before it on record.
insert into wallet.operator_actions (user_id, actor, action, reason, detail, created_at)
select e.user_id, e.actor, 'erase', e.reason,
  jsonb_build_object('transactions', e.transactions, 'holds', e.holds), e.created_at
from wallet.erasures e
where (select count(*) from wallet.erasures x where x.user_id = e.user_id and x.id <= e.id)
  > (select count(*) from wallet.operator_actions a where a.user_id = e.user_id and a.action = 'erase')
order by e.id;
