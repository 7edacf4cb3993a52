"""What a caller reads of each agent."""

import script as scripts


def test_a_caller_reads_what_the_agent_said(ask, case):
    answer = ask(case, scripts.PROMPT)
    if case.outcome == "observe":
        # Reasonable people differ about the text: an HTTP answer is all that is asked.
        assert 200 <= answer.status < 600
        return
    leaks = [mark for mark in scripts.MARKS if mark in answer.text]
    assert not leaks, f"{leaks} in {answer}"
    if case.outcome == "error":
        assert answer.status >= 400, answer
        return
    assert answer.status == 200, answer
    assert answer.json["response"].strip() == case.text.strip()
    assert answer.json.get("incomplete", False) == (case.outcome == "incomplete"), answer
