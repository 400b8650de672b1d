"""The fixed words of states, bases and reasons in both languages. An unknown one shows as it is."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    # alert and event states
    "alerting": ("경보 중", "alerting"),
    "calm": ("이상 없음", "calm"),
    "unwatched": ("실시간으로 보지 않음", "not watched live"),
    "firing": ("발령 중", "firing"),
    "acknowledged": ("확인됨", "acknowledged"),
    "resolved": ("끝남", "resolved"),
    "suspected": ("의심", "suspected"),
    "corroborated": ("교차 확인", "corroborated"),
    "confirmed": ("확정", "confirmed"),
    "closed": ("닫음", "closed"),
    "dismissed": ("기각", "dismissed"),
    "threat_or_proposed": ("예고·위협", "threat or proposed"),
    "actual_or_ongoing": ("시행·진행", "actual or ongoing"),
    "easing_or_aftermath": ("완화·여파", "easing or aftermath"),
    # changes
    "raised": ("발령", "raised"),
    "stage_up": ("단계 상향", "stage raised"),
    "stage_down": ("단계 하향", "stage lowered"),
    "updated": ("내용 추가", "updated"),
    "reopened": ("재발령", "reopened"),
    # what people do (a kind of act), and what was wrong with a false alarm
    "acknowledge": ("확인", "acknowledge"),
    "hand_over": ("담당 넘기기", "hand over"),
    "silence": ("묵음", "silence"),
    "missed": ("놓친 경보 신고", "missed alert"),
    "rules": ("규칙", "rules"),
    "noted": ("기록만 함", "noted only"),
    "sign_off": ("서명", "sign"),
    "refuse": ("반려", "refuse"),
    "unsilence": ("묵음 끝내기", "end a silence"),
    "false_alarm": ("오경보", "false alarm"),
    "clear": ("해제", "clear"),
    "close": ("결정·결과 적기", "decision and outcome"),
    "note": ("메모", "note"),
    "plan": ("예정된 일", "planned event"),
    "resend": ("다시 보내기", "send again"),
    "people": ("사람", "people"),
    "not_real": ("사실이 아님", "it did not happen"),
    "old_news": ("지난 일", "old news"),
    "opinion": ("의견·전망", "an opinion or forecast"),
    "duplicate": ("다른 경보와 같은 일", "the same as another alert"),
    "wrong_item": ("품목이 틀림", "wrong item"),
    "wrong_place": ("곳이 틀림", "wrong place"),
    "wrong_type": ("유형이 틀림", "wrong type"),
    "too_high": ("단계가 너무 높음", "stage too high"),
    "decision": ("결정", "decision"),
    "outcome": ("결과", "outcome"),
    "reason": ("까닭", "reason"),
    "to": ("넘겨받은 사람", "to"),
    "entered_by": ("입력", "entered by"),
    "handed_over": ("담당 넘김", "handed over"),
    "refused": ("반려됨", "refused"),
    "retracted": ("철회됨", "retracted"),
    # reasons to send or hold
    "first": ("첫 통보", "first notice"),
    "stage_rose": ("단계가 올라감", "the stage rose"),
    "stage_fell": ("단계가 내려감", "the stage fell"),
    "material_update": ("중요한 내용이 추가됨", "something material was added"),
    "held_by_silence": ("보류: 알림 중지 중", "held: silenced"),
    "held_by_budget": ("보류: 하루 한도 초과", "held: over the daily budget"),
    "held_below_minimum": ("보류: 수신 최소 단계 미만", "held: below the receiver's minimum"),
    "proposed": ("서명 대기", "waits for a signature"),
    "escalated": ("다음 사람을 부름", "the next person is called"),
    "released": ("보류가 풀림", "released"),
    "blind": ("보이지 않음", "blind"),
    "seeing": ("다시 보임", "seen again"),
    "standing": ("첫 메시지만 고침", "first message brought up to date"),
    "bulletin": ("알림장", "bulletin"),
    "held_by_plan": ("보류: 예정된 일", "held: planned"),
    "held_by_inhibition": ("보류: 더 큰 알림이 설명함", "held: explained by a larger alert"),
    "held_by_cooldown": ("보류: 앞선 소식 직후", "held: cooling down"),
    "held_by_quiet_hours": ("보류: 조용한 시간", "held: quiet hours"),
    # clocks of acknowledgement
    "taken": ("맡음", "taken"),
    "running": ("기다리는 중", "running"),
    "overdue": ("기한 지남", "overdue"),
    "paused": ("조용한 시간이라 멈춤", "paused: quiet hours"),
    "silenced": ("묵음 중", "silenced"),
    "unsent": ("아직 닿지 않음", "not delivered yet"),
    # kinds of bulletins
    "digest": ("모아 보기", "digest"),
    "heartbeat": ("가동 확인", "heartbeat"),
    "planned": ("예정된 일", "planned event"),
    "operator": ("운영 알림", "word to operators"),
    # deliveries
    "new": ("대기", "waiting"),  # of a fetch it is `outcome.new`
    "trying": ("보내는 중", "trying"),
    "sent": ("보냄", "sent"),
    "ambiguous": ("확인 필요", "to be settled"),
    "dead": ("실패", "failed for good"),
    "held": ("보류", "held"),
    # source states and outcomes
    "outcome.new": ("새 답", "new answer"),
    "fresh": ("정상", "fresh"),
    "stale": ("오래됨", "stale"),
    "failing": ("실패 중", "failing"),
    "never": ("수집 전", "not fetched yet"),
    "off": ("꺼짐", "off"),
    "unchanged": ("변화 없음", "unchanged"),
    "failed": ("실패", "failed"),
    # groups of sources
    "news": ("뉴스", "news"),
    "official": ("정부 발표", "official"),
    "hazard": ("재난", "hazard"),
    "shipping": ("해운", "shipping"),
    "statistics": ("통계", "statistics"),
    "price": ("가격", "price"),
    "policy": ("정책", "policy"),
    # bases
    "stated": ("출처에 명시", "stated"),
    "own": ("기업 제공", "given by the firm"),
    "computed": ("계산", "computed"),
    "observed": ("관측", "observed"),
    "inferred": ("추정", "inferred"),
    "assumed": ("가정", "assumed"),
    "supposed": ("가정해 넣음", "supposed"),
    "unknown": ("모름", "unknown"),
    "synthetic": ("합성 데이터", "synthetic"),
    "asked": ("물은 대로", "as asked"),
    # kinds of buyers
    "kind_use": ("용도", "use"),
    "kind_industry": ("산업", "industry"),
    "kind_firm": ("기업", "firm"),
    # what a firm's supply hangs on
    "hang_supplier": ("공급사", "supplier"),
    "hang_company": ("같은 회사로 보이는 공급사", "suppliers that may be one company"),
    "hang_country": ("원산지", "origin"),
    "hang_chokepoint": ("해협·운하", "strait or canal"),
    "hang_port": ("선적항(가정)", "port of loading (assumed)"),
    "hang_part": ("부품·원료", "part or material"),
    "hang_made": ("자체 제작 부품", "part made in the firm"),
    # units
    "unstated": ("기준 미상", "unstated"),
    "in_share": ("비율", "share"),
    "in_days": ("일", "days"),
    "in_factor": ("배", "factor"),
    "quantity": ("물량", "quantity"),
    "value": ("금액", "value"),
    "high": ("높음", "high"),
    "medium": ("보통", "medium"),
    "low": ("낮음", "low"),
}


def outcome_word(outcome: str, lang: str) -> str:
    """How a fetch ended. "new" is another word there than for a message that waits.

    >>> outcome_word("new", "en"), outcome_word("unchanged", "en")
    ('new answer', 'unchanged')
    """
    return word("outcome.new" if outcome == "new" else outcome, lang)


def word(code: str, lang: str) -> str:
    """The word for a code.

    >>> word("stale", "ko"), word("not-a-code", "ko")
    ('오래됨', 'not-a-code')
    """
    if code not in WORDS:
        return code
    ko, en = WORDS[code]
    return ko if lang == "ko" else en
