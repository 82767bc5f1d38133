-- What `forebear watch` said of each model, so that it says so again when a nearer ancestor arrives, and what it still has
-- to say: a run may end after a model was registered and before it was answered.
CREATE TABLE watch_answer (
    uri         VARCHAR PRIMARY KEY,
    pending     BOOLEAN NOT NULL,   -- the answer is still to be given
    verdict     VARCHAR,            -- what was said last; NULL before the first answer
    relative    VARCHAR,            -- the source of the ancestor or nearest relative that was named; NULL for none
    answered_at TIMESTAMP           -- UTC
);

COMMENT ON TABLE watch_answer IS 'what `forebear watch` said of each model last, and what it still has to say';
COMMENT ON COLUMN watch_answer.uri IS 'source: hf://org/name';
COMMENT ON COLUMN watch_answer.pending IS 'whether the answer is still to be given';
COMMENT ON COLUMN watch_answer.verdict IS 'derived, related, shared_initialisation, unrelated or inconclusive; NULL before the first answer';
COMMENT ON COLUMN watch_answer.relative IS 'source of the ancestor or nearest relative that was named; NULL for none';
COMMENT ON COLUMN watch_answer.answered_at IS 'UTC';
