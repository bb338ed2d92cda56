"""Model types that are no text encoder, by what they are, as config.json's `model_type` spells them.

From transformers 5.23's own mappings: the input of each type's class, and whether it writes text; a test holds them
against the installed version. A type that is neither here nor in SERVED may be an encoder, and is tried.
"""

from collections.abc import Mapping

SERVED = frozenset(
    {
        "albert",
        "bert",
        "camembert",
        "deberta-v2",
        "distilbert",
        "electra",
        "modernbert",
        "mpnet",
        "nomic_bert",
        "roberta",
        "xlm-roberta",
    }
)
"""Types that the tests pack and prove for each of their tasks."""


EMBEDDING_DECODERS = frozenset({"qwen3"})
"""Decoders that are served where sentence-transformers' modules say that they embed."""
A_PROOF = "a proof would need a small model of that layout, served with the vectors of sentence-transformers"
UNPROVEN_EMBEDDERS: Mapping[str, str] = {
    "gemma3_text": "EmbeddingGemma's layers look both ways, most of them through a window, and Dense modules follow: "
    f"{A_PROOF}",
    "mistral": "e5-mistral's layers look back through a window, and its vector is that of the end token which its "
    f"tokenizer adds: {A_PROOF}, and 28 GB of memory for its 7 billion weights in fp32",
    "qwen2": "gte-Qwen2's own code looks both ways, and transformers' class only back: a proof would need answers of "
    "that code to known texts",
}
"""Likewise, what keeps others from being served, and what a proof would need."""


def _types(names: str) -> frozenset[str]:
    return frozenset(names.split())


DECODERS = _types(
    """
    afmoe apertus arcee aria_text axk1 axk2 bailing_hybrid bamba beam bert-generation biogpt bitnet bloom codegen
    cohere cohere2 cohere2_moe cohere_compass_text cosmos3_edge_text cpmant ctrl cwm dbrx deepseek_v2 deepseek_v3
    deepseek_v32 deepseek_v4 diffllama doge dots1 dots3_note_text embedding_gemma2_text ernie4_5 ernie4_5_moe
    exaone4 exaone_moe falcon falcon_h1 falcon_mamba flex_olmo flint gemma gemma2 gemma3_text gemma3n_text
    gemma4_assistant gemma4_text gemma4_unified_assistant gemma4_unified_text glm glm4 glm4_moe glm4_moe_lite
    glm4v_moe_text glm4v_text glm5_next_text glm_image_text glm_moe_dsa glm_ocr_text gpt-sw3 gpt2 gpt_bigcode
    gpt_neo gpt_neox gpt_neox_japanese gpt_oss gptj granite granite_docling_text granite_swa granitemoe
    granitemoe_swa granitemoehybrid granitemoeshared helium hrm_text hunyuan_v1_dense hunyuan_v1_moe hunyuan_vl_text
    hy_v3 hy_v4 hyperclovax inkling2_text inkling_text internlm3 iquestcoder jais2 jamba jetmoe kimi_linear kolibri1
    laguna lfm2 lfm2_moe lfm3 llama llama4_text longcat_flash mamba mamba2 mellum mimo_v2_flash minicpm3 minimax
    minimax_m2 ministral ministral3 mistral mistral4 mixtral modernbert-decoder mpt muse_glimmer_assistant
    muse_glimmer_text muse_spark_text nanochat nemotron nemotron_h olmo olmo2 olmo3 olmo_hybrid olmoe openai-gpt opt
    persimmon phi phi3 phimoe qwen2 qwen2_5_vl_text qwen2_moe qwen2_vl_text qwen3 qwen3_5_moe_text qwen3_5_text
    qwen3_moe qwen3_next qwen3_vl_moe_text qwen3_vl_text qwen4_exp_text recurrent_gemma rwkv seed_oss smollm3
    solar_open stablelm starcoder2 vaultgemma xglm xlnet xlstm youtu zamba zamba2 zaya
    """
)
ENCODER_DECODERS = _types(
    """
    bart bigbird_pegasus blenderbot blenderbot-small encoder-decoder fsmt led longt5 m2m_100 marian mbart mt5 mvp
    nllb-moe pegasus pegasus_x plbart prophetnet rag switch_transformers t5 t5gemma umt5
    """
)
IMAGES = _types(
    """
    aimv2 aimv2_vision_model beit bit chinese_clip_vision_model clip_vision_model cohere_compass_vision
    conditional_detr convnext convnextv2 cosmos3_edge_vision cvt d_fine dab-detr data2vec-vision deformable_detr
    deimv2 deit depth_pro detr dinat dinov2 dinov2_with_registers dinov3_convnext dinov3_vit donut-swin dpt
    edgetam_vision_model efficientloftr efficientnet exaone4_5_vision focalnet gemma3n_vision glm4v_moe_vision
    glm4v_vision glm5_next_vision glm_image_vision glm_ocr_vision glpn granite_docling_vision hgnet_v2 hiera
    hunyuan_vl_vision idefics3_vision ijepa imagegpt inkling2_vision internvl_vision kimi_k25_vision levit
    lfm3_vl_vision lightglue lw_detr mask2former maskformer maskformer-swin mgp-str minicpm_ocr_vision
    minicpmv4_7_vision mlcd mlcd_vision_model mobilenet_v1 mobilenet_v2 mobilevit mobilevitv2 muse_glimmer_vision
    muse_spark_vision oneformer pe_video pe_video_encoder pixio pixtral poolformer pp_doclayout_v3 pp_doclayout_v4
    pp_formulanet pp_ocrv5_mobile_rec pp_ocrv5_server_rec pp_ocrv6_medium_det pp_ocrv6_small_det pp_ocrv6_small_rec
    pp_ocrv6_tiny_rec pvt pvt_v2 qianfan_ocr_vision qwen3_5_moe_vision qwen3_5_vision qwen3_vl_moe_vision
    qwen3_vl_vision qwen4_exp_vision radio regnet resnet rf_detr rt_detr rt_detr_v2 sam2_hiera_det_model
    sam2_vision_model sam_hq_vision_model sam_vision_model sapiens2 segformer seggpt siglip2_vision_model
    siglip_vision_model smolvlm_vision swiftformer swin swin2sr swinv2 table-transformer textnet timesformer
    timm_backbone timm_wrapper tipsv2_vision_model uvdoc video_llama_3_vision videomae videoprism_vision_model vit
    vit_mae vit_msn vitdet vivit vjepa2 yolos
    """
)
SOUND = _types(
    """
    audio-spectrogram-transformer audioflamingo3 audioflamingo3_encoder bark canary clap clvp cohere_asr csm dac
    data2vec-audio dia encodec fastspeech2_conformer fastspeech2_conformer_with_hifigan fun_asr_nano
    fun_asr_nano_encoder gemma3n_audio glmasr glmasr_encoder gradium_phonon_tts granite_speech granite_speech5_ctc
    granite_speech5_encoder granite_speech_plus higgs_audio_v2 higgs_audio_v2_tokenizer hubert kyutai_speech_to_text
    lasr_ctc lasr_encoder mimi mimi_decoder mimi_encoder moonshine moonshine_streaming moshi moss_transcribe_diarize
    moss_transcribe_diarize_audio muse_spark_audio musicflamingo musicgen musicgen_melody nemo_speechlm
    nemotron3_5_asr nemotron3_5_transcribe_asr_audio nemotron3_5_transcribe_audio
    nemotron3_5_transcribe_word_timestamp nemotron3_diarization nemotron3_diarization_audio nemotron_asr_streaming
    nemotron_asr_streaming_encoder neucodec parakeet_ctc parakeet_encoder parakeet_rnnt parakeet_tdt pe_audio
    pe_audio_encoder pe_audio_video pe_audio_video_encoder pocket_tts pocket_tts_audio_tokenizer
    pocket_tts_audio_tokenizer_decoder pocket_tts_audio_tokenizer_encoder qwen2_audio qwen2_audio_encoder qwen3_asr
    qwen3_asr_encoder seamless_m4t seamless_m4t_v2 sew sew-d speech-encoder-decoder speech_to_text speecht5
    unispeech unispeech-sat univnet vibevoice vibevoice_acoustic_tokenizer vibevoice_acoustic_tokenizer_decoder
    vibevoice_acoustic_tokenizer_encoder vibevoice_asr vits voxtral voxtral_encoder voxtral_realtime
    voxtral_realtime_encoder voxtral_realtime_text wav2vec2 wav2vec2-bert wav2vec2-conformer wavlm whisper xcodec
    xcodec2
    """
)
SEVERAL = _types(
    """
    align altclip aria aya_vision blip blip-2 blip_2_qformer blt bridgetower chameleon chinese_clip clip
    clip_text_model clipseg cohere2_vision cohere_compass colmodernvbert colpali colqwen2 cosmos3_edge cosmos3_omni
    deepseek_ocr2 deepseek_vl deepseek_vl_hybrid diffusion_gemma dots3_note edgetam edgetam_video embedding_gemma2
    emu3 ernie4_5_vl_moe evolla exaone4_5 fast_vlm flava florence2 fuyu gemma3 gemma3n gemma4 gemma4_audio
    gemma4_unified gemma4_vision git glm46v glm4v glm4v_moe glm5_next glm_image glm_image_vqmodel glm_ocr glmga
    got_ocr2 granite4_vision granite_docling grounding-dino groupvit hunyuan_vl hyperclovax_vision_v2 idefics
    idefics2 idefics3 inkling2 inkling_mm_model instructblip instructblipvideo internvl janus kimi_k25 kosmos-2
    kosmos-2.5 lfm2_vl lfm3_vl lighton_ocr llama4 llava llava_next llava_next_video llava_onevision lxmert
    metaclip_2 minicpm_ocr minicpmv4_6 minicpmv4_7 minimax_m3_vl minimax_m3_vl_text mistral3 mistral_large4
    mistral_large4_text mllama mm-grounding-dino modernvbert molmo2 molmo2_text muse_glimmer muse_spark
    nemotron_h_omni neomme omdet-turbo ovis2 owlv2 owlvit paddleocr_vl paligemma perceiver perception_lm
    phi4_multimodal pi0 pix2struct pp_chart2table qianfan_ocr qwen2_5_omni_thinker qwen2_5_vl qwen2_5_vl_vision
    qwen2_vl qwen3_5 qwen3_5_moe qwen3_omni_moe_thinker qwen3_vl qwen3_vl_moe qwen4_exp sam sam2 sam2_video sam3
    sam3_lite_text sam3_lite_text_text_model sam3_tracker sam3_tracker_video sam3_video sam3_vision_model
    sam3_vit_model sam_hq shieldgemma2 siglip siglip2 smolvlm step3p7 t5gemma2 t5gemma2_encoder tipsv2
    tipsv2_text_model trocr tvp ultravbert unlimited_ocr video_llama_3 video_llava videoprism vilt vipllava
    vision-encoder-decoder vision-text-dual-encoder visual_bert xclip
    """
)
PAGES = _types(
    """
    bros layoutlm layoutlmv2 layoutlmv3 lilt markuplm tapas udop
    """
)
TIME_SERIES = _types(
    """
    autoformer decision_transformer informer patchtsmixer patchtst time_series_transformer timesfm timesfm2_5
    """
)
OTHERS = {
    "gliner": "a GLiNER model, which finds entities by names that a request brings",
    "extractor": "a GLiNER2 model, whose layers behind the encoder are code of its own",
    "dpr": "a DPR encoder, whose vector transformers' class gives as its pooler's and not token by token",
}
INSTEAD: Mapping[str, str] = {
    "extractor": "take a GLiNER model, whose folder has a gliner_config.json",
    "dpr": "take sentence-transformers' copy of it, sentence-transformers/facebook-dpr-*, which is a plain BERT",
}
"""What to pack in the place of a model of these types."""
ENCODERS_ALONE = frozenset({"MT5EncoderModel", "T5EncoderModel", "UMT5EncoderModel"})
"""Classes of an encoder whose type is that of an encoder with a decoder: sentence-t5, gtr-t5, instructor."""
ALONE = "T5's encoder alone, which transformers' AutoModel would load with a decoder that was never trained"
FAMILIES: Mapping[frozenset[str], str] = {
    DECODERS: "a decoder, which writes text or reads it from left to right",
    ENCODER_DECODERS: "an encoder with a decoder, which turns one text into another",
    IMAGES: "a model of images or video",
    SOUND: "a model of sound",
    SEVERAL: "a model of images or sound beside text",
    PAGES: "a model of pages or tables, which reads the place of each word",
    TIME_SERIES: "a model of series of numbers",
}


def family_of(model_type: str) -> str | None:
    """What a model of this type is, in words; None when it is, or may be, a text encoder."""
    found = (what for types, what in FAMILIES.items() if model_type in types)
    return OTHERS.get(model_type.lower()) or next(found, None)
