"""What of pipecat the bridge uses, imported in silence.

Only this package imports it, and only where an operator lists a service of it: it takes seconds, and most processes
have none. It logs what is said and heard, which must not be in a log; `host.py` logs what matters of it.
"""

import warnings

from loguru import logger

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # theirs to change
    logger.disable("pipecat")
    from pipecat.clocks.base_clock import BaseClock
    from pipecat.frames.frames import (
        BotStartedSpeakingFrame,
        BotStoppedSpeakingFrame,
        CancelFrame,
        EagerEndOfTurnCancelFrame,
        EagerTranscriptionFrame,
        ErrorFrame,
        Frame,
        InputAudioRawFrame,
        InterimTranscriptionFrame,
        InterruptionFrame,
        MetricsFrame,
        ProposedUserStartedSpeakingFrame,
        ProposedUserStoppedSpeakingFrame,
        StartFrame,
        TranscriptionFrame,
        TTSAudioRawFrame,
        TTSSpeakFrame,
        TTSStoppedFrame,
        TTSTextFrame,
        UserStartedSpeakingFrame,
        UserStoppedSpeakingFrame,
        VADUserStartedSpeakingFrame,
        VADUserStoppedSpeakingFrame,
    )
    from pipecat.metrics.metrics import MetricsData, TTFBMetricsData
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup
    from pipecat.services.ai_service import AIService
    from pipecat.services.stt_service import SegmentedSTTService, STTService
    from pipecat.services.tts_service import TTSService
    from pipecat.utils.asyncio.task_manager import BaseTaskManager
    from pipecat.utils.errors import ErrorCategory

__all__ = [
    "AIService",
    "BaseClock",
    "BaseTaskManager",
    "BotStartedSpeakingFrame",
    "BotStoppedSpeakingFrame",
    "CancelFrame",
    "EagerEndOfTurnCancelFrame",
    "EagerTranscriptionFrame",
    "ErrorCategory",
    "ErrorFrame",
    "Frame",
    "FrameDirection",
    "FrameProcessor",
    "FrameProcessorSetup",
    "InputAudioRawFrame",
    "InterimTranscriptionFrame",
    "InterruptionFrame",
    "MetricsData",
    "MetricsFrame",
    "ProposedUserStartedSpeakingFrame",
    "ProposedUserStoppedSpeakingFrame",
    "STTService",
    "SegmentedSTTService",
    "StartFrame",
    "TTFBMetricsData",
    "TTSAudioRawFrame",
    "TTSService",
    "TTSSpeakFrame",
    "TTSStoppedFrame",
    "TTSTextFrame",
    "TranscriptionFrame",
    "UserStartedSpeakingFrame",
    "UserStoppedSpeakingFrame",
    "VADUserStartedSpeakingFrame",
    "VADUserStoppedSpeakingFrame",
]
